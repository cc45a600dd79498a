/*
 * avatar: a person's or a group's first letters on a colour of their own.
 */
const HUES = 8;

function hueOf(id: string): number {
  let sum = 0;
  for (let i = 0; i < id.length; i++) sum = (sum * 31 + id.charCodeAt(i)) >>> 0;
  return sum % HUES;
}

function initialsOf(title: string): string {
  const words = title.trim().split(/[\s,._-]+/);
  const first = [...(words[0] ?? '')][0] ?? '?';
  const second = words.length > 1 ? ([...(words[1] ?? '')][0] ?? '') : '';
  return (first + second).toLocaleUpperCase();
}

export function Avatar({
  id,
  title,
  size,
}: {
  id: string;
  title: string;
  size?: 'small' | 'large';
}) {
  return (
    <span class={`avatar hue-${hueOf(id)} ${size ?? ''}`} aria-hidden="true">
      {initialsOf(title)}
    </span>
  );
}
