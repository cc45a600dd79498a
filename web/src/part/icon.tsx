/*
 * icon: the pictures on buttons, drawn in one stroke width. The button has the name, not they.
 */
const SHAPES = {
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6L6 18',
  code: 'M8.500 7L4 12l4.500 5M15.500 7l4.500 5-4.500 5',
  down: 'M12 5v13M6 12.500l6 6 6-6',
  info: 'M12 11v5.500M12 7.600v.1M12 3.500a8.500 8.500 0 1 1 0 17 8.500 8.500 0 0 1 0-17',
  plus: 'M12 5v14M5 12h14',
  search: 'M11 4.500a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13M16 16l4.500 4.500',
  send: 'M4.500 12h14M12.500 5.500L19 12l-6.500 6.500',
  settings:
    'M5 7h7M17 7h2M5 17h2M12 17h7M14.500 4.700a2.300 2.300 0 1 1 0 4.600 2.300 2.300 0 0 1 0-4.600M9.500 14.700a2.300 2.300 0 1 1 0 4.600 2.300 2.300 0 0 1 0-4.600',
  smile:
    'M12 3.500a8.500 8.500 0 1 1 0 17 8.500 8.500 0 0 1 0-17M8.500 14.200c1.800 2.400 5.200 2.400 7 0M9.200 9.400v.6M14.800 9.400v.6',
} as const;

export function Icon({ name }: { name: keyof typeof SHAPES }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={SHAPES[name]} />
    </svg>
  );
}
