/** The logo. */
export function WeirMark({ size = 24 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#0b4a5c" />
      <g fill="none" strokeLinecap="round" strokeWidth="2.5">
        <path d="M5 8.5h9.5c3.4 0 4.7 1.9 4.7 4.8v3.2c0 2.9 1.3 4.3 4.2 4.3H27" stroke="#f2fbfd" />
        <path
          d="M5 15h4.200c2.700 0 3.800 1.500 3.800 4v1.700c0 4 2.100 5.900 6 5.900h8"
          stroke="#54b9cd"
        />
      </g>
    </svg>
  )
}
