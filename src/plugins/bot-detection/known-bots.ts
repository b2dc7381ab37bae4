/** Regular expressions for the user agents of crawlers, previews, monitors and HTTP libraries. */
export const knownBots: readonly string[] = [
  // A user agent with one of these words is always a bot.
  '(?i)spider|scrape|crawl|slurp|favicon|feedfetcher',
  // `Cubot` is a maker of phones, so a bot needs a version.
  '(?:[Aa]rchiver|[Ii]ndexer|[Bb]ot)[/ -]v?\\d',
  // Search engines and their companions, which come with and without a version.
  '(?i)\\b(?:(?:google|bing|msn|linkedin|mj12|semrush|telegram|discord|apple|petal|gpt|claude|ccbot|yandex\\w*|duckduck|ahrefs|pinterest|twitter|slack|seek|giga|bu)bot|adsbot-google|mediapartners-google|appengine-google|bingpreview|ia_archiver|heritrix|larbin|nutch|scrapy|htdig|grub-client|masscan|whatweb|facebookexternalhit|whatsapp|slack-imgproxy|slackbot-linkexpanding|google-read-aloud|qwantify|pagepeeker|url2png|simplepie|feedbin|netvibes|pingdom\\.com_bot|wordpress/)',
  'Google.*/\\+/web/snippet',
  ' PTST/\\d',
  '\\bMSIECrawler\\b',
  // HTTP libraries and automated tools.
  '\\b(?:Apache-HttpClient|Google-HTTP-Java-Client|Go-http-client|Python-urllib|HttpMonitor|TLSProber|WinHTTP|JNLP|aihttp|axios|okhttp|reqwest|scalaj-http|http%20client)\\b',
  '\\bunirest-(?:java|python|ruby|nodejs|php|net)\\b',
  '\\b(?:[Bb]oto3?|JetS3t|s3fs|aws-cli|aws-sdk-[a-z\\d-]+)/\\d',
]
