/** A kind of request. */
export type Call = {
  readonly method: string
  /** `{id}` is replaced with an item number. */
  readonly path: string
  readonly weight: number
}

/** A client of the sample services. */
export type Caller = {
  /** The consumer; undefined when no key is sent. */
  readonly consumer?: string
  readonly userAgent: string
  /** Number of concurrent requests per call; 1 by default. */
  readonly burst?: number
  readonly weight: number
  readonly calls: readonly Call[]
}

const browser = 'Mozilla/5.0 (X11; Linux x64; rv:140.0) Gecko/20100101 Firefox/140.0'
const shopping: readonly Call[] = [
  { method: 'GET', path: '/search/items?q=item+{id}', weight: 30 },
  { method: 'GET', path: '/inventory/{id}', weight: 18 },
  { method: 'GET', path: '/orders', weight: 10 },
  { method: 'GET', path: '/orders/{id}', weight: 12 },
  { method: 'POST', path: '/orders', weight: 6 },
]

export const callers: readonly Caller[] = [
  { consumer: 'web-shop', userAgent: browser, weight: 34, calls: shopping },
  {
    consumer: 'mobile-app',
    userAgent: 'ShopApp/8.2 (iPhone; iOS 19.1)',
    weight: 22,
    calls: [...shopping, { method: 'GET', path: '/orders/events', weight: 1 }],
  },
  {
    consumer: 'warehouse-sync',
    userAgent: 'warehouse-sync/3.1 (Java/25)',
    weight: 6,
    calls: [
      { method: 'PUT', path: '/inventory/{id}', weight: 30 },
      { method: 'DELETE', path: '/inventory/{id}', weight: 4 },
      { method: 'GET', path: '/inventory/export', weight: 1 },
    ],
  },
  {
    consumer: 'partner-acme',
    userAgent: 'acme-connector/1.4',
    weight: 3,
    calls: [
      { method: 'GET', path: '/orders/{id}', weight: 8 },
      { method: 'GET', path: '/inventory/{id}', weight: 2 },
    ],
  },
  {
    consumer: 'checkout',
    userAgent: 'checkout/12.0 (node)',
    weight: 14,
    calls: [
      { method: 'POST', path: '/payments', weight: 10 },
      { method: 'GET', path: '/payments/{id}', weight: 6 },
      { method: 'GET', path: '/v1/users/{id}', weight: 8 },
    ],
  },
  {
    consumer: 'back-office',
    userAgent: browser,
    weight: 6,
    calls: [
      { method: 'GET', path: '/billing/{id}', weight: 6 },
      { method: 'GET', path: '/v1/users', weight: 4 },
      { method: 'POST', path: '/payments/refunds', weight: 1 },
    ],
  },
  {
    consumer: 'partner-globex',
    userAgent: 'python-requests/2.34',
    weight: 3,
    calls: [
      { method: 'GET', path: '/billing/{id}', weight: 3 },
      { method: 'POST', path: '/payments/refunds', weight: 1 },
    ],
  },
  {
    consumer: 'legacy-batch',
    userAgent: 'libwww-perl/6.78',
    burst: 30,
    weight: 0.08,
    calls: [{ method: 'GET', path: '/billing/{id}', weight: 1 }],
  },
  {
    userAgent: browser,
    weight: 7,
    calls: [
      { method: 'GET', path: '/search/items?q=item+{id}', weight: 12 },
      { method: 'GET', path: '/orders', weight: 2 },
      { method: 'GET', path: '/stock/v1/{id}', weight: 1 },
    ],
  },
  {
    userAgent: 'zgrab/0.x',
    weight: 2,
    calls: [
      { method: 'GET', path: '/.env', weight: 2 },
      { method: 'GET', path: '/wp-login.php', weight: 2 },
      { method: 'HEAD', path: '/admin', weight: 1 },
    ],
  },
  {
    consumer: 'nobody',
    userAgent: 'curl/8.17.0',
    weight: 1.5,
    calls: [
      { method: 'GET', path: '/payments/{id}', weight: 2 },
      { method: 'GET', path: '/orders/{id}', weight: 1 },
    ],
  },
]
