/*
 * icon: the pictures on buttons, drawn in one stroke width. The button has the name, not they.
 */
function circle(x: number, y: number, r: number): string {
  return `M${x} ${y - r}a${r} ${r} 0 1 1 0 ${2 * r} ${r} ${r} 0 0 1 0 ${-2 * r}`;
}

const SHAPES = {
  bell: 'M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 2h-15zM10 21h4',
  muted: 'M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 2h-15zM10 21h4M4 3.500l16.500 17',
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6L6 18',
  code: 'M8.5 7L4 12l4.5 5M15.5 7l4.5 5-4.5 5',
  down: 'M12 5v13M6 12.5l6 6 6-6',
  info: `M12 11v5.5M12 7.6v.1${circle(12, 12, 8.5)}`,
  plus: 'M12 5v14M5 12h14',
  search: `M16 16l4.5 4.5${circle(11, 11, 6.5)}`,
  send: 'M4.5 12h14M12.5 5.5L19 12l-6.5 6.5',
  settings: `M5 7h7M17 7h2M5 17h2M12 17h7${circle(14.5, 7, 2.3)}${circle(9.5, 17, 2.3)}`,
  smile: `M8.5 14.2c1.8 2.4 5.2 2.4 7 0M9.2 9.4v.6M14.8 9.4v.6${circle(12, 12, 8.5)}`,
} as const;

export function Icon({ name }: { name: keyof typeof SHAPES }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={SHAPES[name]} />
    </svg>
  );
}
