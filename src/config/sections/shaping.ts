import { described, path } from './shape.ts'

/** Keys of `delivery` about how receivers are treated. */
export const shapingFields = {
  shaping: described(
    path.nullable().prefault(null),
    'File with profiles of receivers (connections, rate, what their replies have for consequences), laid over those that come with the program. `anechoic shaping explain DOMAIN` shows which rule gave which number.',
  ),
}
