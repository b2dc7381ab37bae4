/** A way to send batches, one after the other. */
export type Sink = {
  /** Rejects when the batch has to be sent again, with an error that contains no secret. */
  send(body: string | Uint8Array, signal: AbortSignal): Promise<void>
  /** Closes connections and files; a later `send` opens them again. */
  close(): void
}
