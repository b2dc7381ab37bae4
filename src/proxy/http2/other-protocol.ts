/** The target wants another protocol than HTTP/2; nothing was sent to it. */
export class OtherProtocol extends Error {}
