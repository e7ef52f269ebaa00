// The mark of aTES: a parrot's head of four shapes. public/favicon.svg is the same drawing, and a test keeps it so.

export const parrotPaths = {
  body: 'M2 31V17C2 9 8 3 16 3H21V16C21 24 15 31 7 31Z',
  wing: 'M2 31V19C8 20 12 25 12 31Z',
  beak: 'M21 5C26.5 5 31 9.5 31 15V25C26 25 22 21 21 16Z',
  eye: 'M15 7.4a3.6 3.6 0 1 1 0 7.2a3.6 3.6 0 0 1 0-7.2zm.4 2a1.6 1.6 0 1 0 0 3.2a1.6 1.6 0 0 0 0-3.2z',
} as const

export const Parrot = ({ size }: { size: number }) => (
  <svg class="parrot" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
    {Object.entries(parrotPaths).map(([part, d]) => (
      <path class={`parrot-${part}`} fill-rule="evenodd" d={d} />
    ))}
  </svg>
)
