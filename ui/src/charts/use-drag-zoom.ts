import { type PointerEvent, useRef, useState } from 'react'
import { plotInset } from './chart-option.ts'

/** Shorter drags, in pixels, count as clicks. */
const minDrag = 6

type Drag = { readonly start: number; readonly end: number }

/** Selects a time range by dragging over a plot: event handlers for its frame, and the current selection in pixels. */
export function useDragZoom(
  domain: readonly [number, number],
  onZoom: (from: number, to: number) => void,
) {
  const [drag, setDrag] = useState<Drag>()
  // A live chart moves while the pointer is down; the domain at pointer down applies.
  const held = useRef(domain)

  const xOf = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    const x = event.clientX - box.left
    return Math.min(Math.max(x, plotInset.left), box.width - plotInset.right)
  }

  return {
    drag,
    frame: {
      onPointerDown(event: PointerEvent<HTMLElement>) {
        if (event.button !== 0 || event.pointerType === 'touch') return
        held.current = domain
        const start = xOf(event)
        setDrag({ start, end: start })
        event.currentTarget.setPointerCapture(event.pointerId)
      },
      onPointerMove(event: PointerEvent<HTMLElement>) {
        if (drag !== undefined) setDrag({ start: drag.start, end: xOf(event) })
      },
      onPointerUp(event: PointerEvent<HTMLElement>) {
        setDrag(undefined)
        if (drag === undefined || Math.abs(drag.end - drag.start) < minDrag) return
        const width = event.currentTarget.clientWidth - plotInset.left - plotInset.right
        const [from, to] = held.current
        const timeAt = (x: number) =>
          Math.round(from + ((x - plotInset.left) / width) * (to - from))
        const [first, last] = [drag.start, drag.end].toSorted((a, b) => a - b) as [number, number]
        onZoom(timeAt(first), Math.max(timeAt(last), timeAt(first) + 1000))
      },
      onPointerCancel() {
        setDrag(undefined)
      },
    },
  }
}
