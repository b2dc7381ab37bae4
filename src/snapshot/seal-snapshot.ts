import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import { Problem } from '../lib/problem.ts'
import type { SealedSnapshot, Snapshot } from '../schema/snapshot.ts'
import { snapshotText } from './snapshot-text.ts'

/** A fresh Ed25519 key for sealing, PKCS #8 PEM. */
export function makeSealKey(): string {
  const { privateKey } = generateKeyPairSync('ed25519')
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** The public half of a sealing key, SPKI PEM. */
export function publicKeyOf(privateKeyPem: string): string {
  return createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }).toString()
}

/** Seals a snapshot under its revision. */
export function sealSnapshot(
  snapshot: Snapshot,
  revision: number,
  privateKeyPem: string,
): SealedSnapshot {
  const body = snapshotText(snapshot)
  const signature = sign(null, signedBytes(revision, body), privateKeyPem).toString('base64')
  return { revision, body, signature }
}

/** The snapshot inside, once the seal proves that this control plane made it. */
export const verifySeal = (sealed: SealedSnapshot, publicKeyPem: string): Snapshot =>
  runToCompletion(verifySteps(sealed, publicKeyPem))

/** The same as work that can be interrupted. */
export function* verifySteps(
  sealed: SealedSnapshot,
  publicKeyPem: string,
): CooperativeTask<Snapshot> {
  const bytes = signedBytes(sealed.revision, sealed.body)
  yield
  if (!verify(null, bytes, publicKeyPem, Buffer.from(sealed.signature, 'base64'))) {
    throw new Problem('snapshot.seal', 403, `The seal of revision ${sealed.revision} is not valid`)
  }
  yield
  const snapshot = JSON.parse(sealed.body) as Snapshot
  if (snapshot.format !== 1) {
    throw new Problem(
      'snapshot.format',
      422,
      'The snapshot is of a format this program cannot read',
    )
  }
  const consumers = snapshot.consumers.map((consumer) => ({ ...groupless, ...consumer }))
  return { ...lists, ...snapshot, consumers }
}

/** Lists that a snapshot sealed before there were such things does not have. */
const lists = { certificates: [], snis: [], ca_certificates: [], consumer_groups: [], vaults: [] }

/** Likewise of its consumers. */
const groupless: { readonly consumer_groups?: readonly string[] } = { consumer_groups: [] }

const signedBytes = (revision: number, body: string): Buffer => Buffer.from(`${revision}\n${body}`)
