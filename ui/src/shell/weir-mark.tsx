/** The mark of Weir: two water lines that step over an edge. */
export function WeirMark({ size = 24 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#0b4a5c" />
      <g fill="none" strokeLinecap="round" strokeWidth="2.5">
        <path
          d="M5 9.500h10.500c3.200 0 4.500 1.800 4.500 4.700v5.300c0 2.700 1.200 4 3.800 4H27"
          stroke="#f2fbfd"
        />
        <path d="M5 15.500h6c2 0 3 1 3 3v3c0 1.400-.8 2-2.200 2H5" stroke="#54b9cd" />
      </g>
    </svg>
  )
}
