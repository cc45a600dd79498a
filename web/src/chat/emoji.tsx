/*
 * emoji: a small choice of them; the system's own keyboard has all.
 */
import { say } from '../word/language.ts';

const CHOICE = [
  '😀 😂 😊 😍 😘 😎 🤔 🙄 😢 😭 😡 😴 🤗 🥳 😇 😉',
  '👍 👎 👏 🙏 💪 👋 🤝 ✌️ 🤞 👀 🙌 🤷 💯 🔥 ✨ 🎉',
  '❤️ 🧡 💛 💚 💙 💜 💔 ☕ 🍕 🎂 🍻 🌈 ☀️ 🌙 ⏰ 📞',
].map((row) => row.split(' '));

export function EmojiChoice({ onChoose }: { onChoose: (emoji: string) => void }) {
  return (
    <div class="emoji-choice" role="group" aria-label={say('emoji')}>
      {CHOICE.flat().map((emoji) => (
        <button key={emoji} type="button" onClick={() => onChoose(emoji)}>
          {emoji}
        </button>
      ))}
    </div>
  );
}
