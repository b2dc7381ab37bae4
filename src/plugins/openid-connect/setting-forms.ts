import { z } from 'zod'
import { isReference } from '../../entities/secret-reference.ts'

const isHttpUrl = (text: string): boolean =>
  isReference(text) || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))

export const url = () => z.string().refine(isHttpUrl, { error: 'expected an http or https URL' })

export const texts = () => z.array(z.string().min(1)).nullable().default(null)
