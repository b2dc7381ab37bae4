import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import { Problem } from '../lib/problem.ts'
import type { SealedSnapshot, Snapshot } from '../schema/snapshot.ts'
import { snapshotText } from './snapshot-text.ts'

/** Generates an Ed25519 private key, PKCS #8 PEM. */
export function generateSealKey(): string {
  const { privateKey } = generateKeyPairSync('ed25519')
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** The public key of a private key, SPKI PEM. */
export function publicKeyOf(privateKeyPem: string): string {
  return createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }).toString()
}

/** Signs a snapshot together with its revision. */
export function sealSnapshot(
  snapshot: Snapshot,
  revision: number,
  privateKeyPem: string,
): SealedSnapshot {
  const body = snapshotText(snapshot)
  const signature = sign(null, signedBytes(revision, body), privateKeyPem).toString('base64')
  return { revision, body, signature }
}

/** Verifies the signature and returns the snapshot. */
export const verifySeal = (sealed: SealedSnapshot, publicKeyPem: string): Snapshot =>
  runToCompletion(verifySteps(sealed, publicKeyPem))

/** `verifySeal` as a cooperative task. */
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
      'This version of Weir cannot read the format of the snapshot',
    )
  }
  const consumers = snapshot.consumers.map((consumer) => ({ ...groupless, ...consumer }))
  return { ...lists, ...snapshot, consumers }
}

/** Lists that snapshots of older versions do not have. */
const lists = { certificates: [], snis: [], ca_certificates: [], consumer_groups: [], vaults: [] }

/** Fields that consumers of older versions do not have. */
const groupless: { readonly consumer_groups?: readonly string[] } = { consumer_groups: [] }

const signedBytes = (revision: number, body: string): Buffer => Buffer.from(`${revision}\n${body}`)
