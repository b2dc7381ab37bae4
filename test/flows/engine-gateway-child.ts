import { openGateway, type GatewayOptions } from '../harness/open-gateway.ts'
import type { SnapshotInput } from '../harness/build-snapshot.ts'

/** Message to the child: the gateway to open. */
export type GatewayOrder = {
  readonly words: SnapshotInput
  readonly limits?: NonNullable<GatewayOptions['limits']>
  readonly admission?: NonNullable<GatewayOptions['admission']>
}

// A gateway alone in its process, so that the memory of the process is its own.
process.once('message', (order: GatewayOrder) => {
  void openGateway(order.words, {
    limits: order.limits ?? {},
    admission: order.admission ?? {},
    onFinished: (stop) => process.once('disconnect', () => void stop().then(() => process.exit())),
  }).then(({ port, events }) => {
    setInterval(() => (events.length = 0), 200)
    process.send?.(port)
  })
})
