import { Hono } from 'hono'
import { html } from 'hono/html'

/** A rule as the person whose mail met it should read it; it holds nothing of any decision. */
export type RulePage = {
  readonly id: string
  readonly code: number
  readonly enhanced: string
  readonly title: string
  readonly happened: string
  readonly remedy: string
  readonly fixer: string
}

/** The page for the person whose mail was refused: what the rule means, and nothing about any decision. */
export function refusedRoutes(pageOf: (rule: string) => RulePage | null): Hono {
  return new Hono().get('/:rule', (c) => {
    const page = pageOf(c.req.param('rule'))
    return page === null ? c.text('no such rule', 404) : c.html(render(page))
  })
}

function render(page: RulePage): ReturnType<typeof html> {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta name="color-scheme" content="light dark" />
        <title>${page.id}: ${page.title}</title>
      </head>
      <body>
        <main>
          <h1>${page.title}</h1>
          <p><code>${page.code} ${page.enhanced} [${page.id}]</code></p>
          <p>${page.happened}</p>
          <h2>What to do</h2>
          <p>${page.remedy}</p>
          <p>Who can put it right: ${page.fixer}.</p>
        </main>
      </body>
    </html>`
}
