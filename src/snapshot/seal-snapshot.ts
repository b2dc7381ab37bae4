import { createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import { Problem } from '../lib/problem.ts'
import type { Seal, Snapshot } from '../schema/snapshot.ts'
import { rootSteps, snapshotRoot } from './snapshot-root.ts'

/** Generates an Ed25519 private key, PKCS #8 PEM. */
export function generateSealKey(): string {
  const { privateKey } = generateKeyPairSync('ed25519')
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** The public key of a private key, SPKI PEM. */
export function publicKeyOf(privateKeyPem: string): string {
  return createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }).toString()
}

/** Signs the root of a snapshot together with its revision. A key that is a PEM is parsed each time. */
export function sealRoot(
  snapshot: Snapshot,
  revision: number,
  privateKey: string | KeyObject,
): Seal {
  const root = snapshotRoot(snapshot)
  const signature = sign(null, rootBytes(revision, root), privateKey).toString('base64')
  return { revision, root, signature }
}

/** Throws when a snapshot is not the one that was sealed, or the seal was made with another key. */
export const verifyRoot = (snapshot: Snapshot, seal: Seal, publicKeyPem: string): void =>
  runToCompletion(verifyRootSteps(snapshot, seal, publicKeyPem))

/** `verifyRoot` as a cooperative task. */
export function* verifyRootSteps(
  snapshot: Snapshot,
  seal: Seal,
  publicKeyPem: string,
): CooperativeTask<void> {
  const { revision, root, signature } = seal
  const isSigned = verify(
    null,
    rootBytes(revision, root),
    publicKeyPem,
    Buffer.from(signature, 'base64'),
  )
  if (!isSigned || (yield* rootSteps(snapshot)) !== root) throw invalidSeal(revision)
}

const rootBytes = (revision: number, root: string): Buffer => Buffer.from(`${revision}\n${root}`)

const invalidSeal = (revision: number): Problem =>
  new Problem('snapshot.seal', 403, `The seal of revision ${revision} is not valid`)
