/*
 * icon: the pictures on buttons, drawn in one stroke width. The button has the name, not they.
 */
const SHAPES = {
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6L6 18',
  code: 'M8.5 7L4 12l4.5 5M15.5 7l4.5 5-4.5 5',
  down: 'M12 5v13M6 12.500l6 6 6-6',
  info: 'M12 11v5.500M12 7.600v.1M12 3.500a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17',
  plus: 'M12 5v14M5 12h14',
  search: 'M11 4.500a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M16 16l4.5 4.5',
  send: 'M4.5 12h14M12.5 5.500L19 12l-6.5 6.5',
  settings:
    'M5 7h7M17 7h2M5 17h2M12 17h7' +
    'M14.5 4.700a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.600M9.5 14.700a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6',
  smile:
    'M12 3.500a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17M8.5 14.200c1.8 2.4 5.2 2.4 7 0M9.2 9.400v.6M14.8 9.400v.6',
} as const;

export function Icon({ name }: { name: keyof typeof SHAPES }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={SHAPES[name]} />
    </svg>
  );
}
