import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeFrame, type Frame, FrameReader } from './frames.ts'
import type { SealedPermit } from '../path/decision/decision.ts'
import { decodeAnswer, decodeHello, decodePolicyChange, decodeRequest, encodeAnswer, encodeRequest } from './wire.ts'
import { draftFor, fieldsFor, newSealKey, requestFor } from './request.fixture.ts'

function readAll(chunks: readonly Buffer[]): readonly (readonly [number, string])[] | null {
  const reader = new FrameReader()
  const frames: Frame[] = []
  for (const chunk of chunks) {
    const some = reader.push(chunk)
    if (some === null) return null
    frames.push(...some)
  }
  return frames.map(({ kind, payload }) => [kind, payload.toString('hex')])
}

describe('frames', () => {
  it('come out as they went in, wherever the stream is cut', () => {
    const frame = fc.record({ kind: fc.integer({ min: 0, max: 255 }), payload: fc.uint8Array({ maxLength: 300 }) })
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 20 }), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(({ kind, payload }) => encodeFrame(kind, [Buffer.from(payload)])))
        const edges = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length]
        const chunks = edges.slice(1).map((edge, index) => stream.subarray(edges[index], edge))
        expect(readAll(chunks)).toEqual(frames.map(({ kind, payload }) => [kind, Buffer.from(payload).toString('hex')]))
      }),
    )
  })

  it('end where a length makes no sense', () => {
    expect(readAll([Buffer.from([0, 0, 0, 0, 1])])).toBeNull()
    expect(readAll([Buffer.from([255, 255, 255, 255, 1])])).toBeNull()
  })

  it('of many megabytes are put together from small chunks', () => {
    const stream = encodeFrame(2, [Buffer.alloc(64 * 1024 * 1024)])
    const chunks: Buffer[] = []
    for (let at = 0; at < stream.length; at += 65_536) chunks.push(stream.subarray(at, at + 65_536))
    const reader = new FrameReader()
    const frames = chunks.flatMap((chunk) => reader.push(chunk) ?? [])
    expect(frames.map(({ payload }) => payload.length)).toEqual([64 * 1024 * 1024])
  })
})

describe('messages', () => {
  const sealKey = newSealKey()
  const request = requestFor(sealKey, draftFor())

  it('carry a request whole', () => {
    const decoded = decodeRequest(encodeRequest(4_000_000_000, request).subarray(5))
    const fields = fieldsFor(request.input, { expiresAt: request.permit.expiresAt })
    expect(decoded).toEqual({ id: 4_000_000_000, fields, mac: request.permit.mac, input: request.input })
  })

  it.each([
    { kind: 'signature', signature: Buffer.from([1, 2, 3]) },
    { kind: 'refused', reason: 'no' },
    { kind: 'unavailable', reason: '' },
  ] as const)('carry the answer $kind', (answer) => {
    expect(decodeAnswer(encodeAnswer(9, answer).subarray(5))).toEqual({ id: 9, answer })
  })

  it('cut short or mutated are null or something; nothing is thrown', () => {
    const payload = encodeRequest(1, { ...request, permit: { ...request.permit } as SealedPermit }).subarray(5)
    for (let length = 0; length < 120; length++) expect(() => decodeRequest(payload.subarray(0, length))).not.toThrow()
    expect(decodeRequest(payload.subarray(0, 90))).toBeNull()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
        for (const decode of [decodeRequest, decodeAnswer, decodeHello, decodePolicyChange]) {
          expect(typeof decode(Buffer.from(octets))).toBe('object')
        }
      }),
    )
  })
})
