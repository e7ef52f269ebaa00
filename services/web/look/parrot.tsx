// The mark of aTES: a parrot's head, geometric, in four paths. The favicon is the same drawing.

export const Parrot = ({ size }: { size: number }) => (
  <svg class="parrot" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
    <path class="parrot-body" d="M4 30V16A12 12 0 0 1 28 16V30Z" />
  </svg>
)
