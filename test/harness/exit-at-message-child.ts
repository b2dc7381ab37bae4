// A child process that ends with the first message that it reads.
process.on('message', () => process.exit(0))
