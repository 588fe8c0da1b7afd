import { posix } from 'node:path'

/** What a folder may take from others: folders, or parents of folders. Its own files are always allowed. */
export interface Folder {
  readonly values?: readonly string[]
  readonly types?: readonly string[]
}

export interface Borders {
  /** Every folder with source of ours. The longest name that a path starts with is the one it belongs to. */
  readonly folders: Readonly<Record<string, Folder>>
  /** Parents whose folders show others their index.ts and nothing else. */
  readonly rooms: readonly string[]
  /** Files and folders where everything meets; they may take all of src. May only shrink. */
  readonly exempt: readonly string[]
}

export interface Import {
  /** Paths from the root, with forward slashes. */
  readonly from: string
  readonly to: string
  readonly kind: 'value' | 'type'
}

/** Says why an import crosses a border that it may not cross, or nothing. */
export const whyForbidden = (borders: Borders, { from, to, kind }: Import): string | undefined => {
  if (isFree(from)) return undefined
  if (isFree(to)) return `${to} is for tests, and the program must run without it`
  if (borders.exempt.some((path) => isWithin(from, path))) return undefined

  const home = folderOf(borders, from)
  const away = folderOf(borders, to)
  if (home === undefined) return `${from} is in no folder of the import table (.oxlintrc.json)`
  if (home === away) return undefined
  if (away === undefined)
    return `${home} may not import from ${to}: it is in no folder of the import table (.oxlintrc.json)`

  const { values = [], types = [] } = borders.folders[home] ?? {}
  const asValue = values.some((folder) => isWithin(away, folder))
  const asType = types.some((folder) => isWithin(away, folder))
  if (kind === 'value' && !asValue) return `${home} may not import values from ${away}${asType ? ', only types' : ''}`
  if (kind === 'type' && !asValue && !asType) return `${home} may not import from ${away}`
  if (borders.rooms.includes(posix.dirname(away)) && to !== `${away}/index.ts`)
    return `${away} shows others its index.ts only`
  return undefined
}

/** Tests and the lab may take anything, and nothing may take them. */
const isFree = (path: string) => path.endsWith('.test.ts') || isWithin(path, 'lab')

const isWithin = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`)

const folderOf = (borders: Borders, path: string) =>
  Object.keys(borders.folders)
    .filter((folder) => isWithin(path, folder))
    .toSorted((one, other) => other.length - one.length)[0]
