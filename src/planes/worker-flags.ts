/** Node's flags for a gateway worker. Exchanges are many and die young: a roomy nursery, and none of them born old, which V8 would otherwise decide under load and then copy everything they point to. */
export const workerFlags = ['--min-semi-space-size=16', '--no-allocation-site-pretenuring']
