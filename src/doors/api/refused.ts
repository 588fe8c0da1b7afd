import { Hono } from 'hono'

/** The page for the person whose mail was refused: what the rule means, and nothing about any decision. */
export function refusedRoutes(page: (rule: string) => string | null): Hono {
  return new Hono().get('/:rule', (c) => {
    const html = page(c.req.param('rule'))
    return html === null ? c.text('no such rule', 404) : c.html(html)
  })
}
