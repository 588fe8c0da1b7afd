import { z } from 'zod'
import { emailField } from '../../standards/yaml/fields.ts'
import { described } from './shape.ts'

/** `feedback`: where reports about our mail arrive. */
export const feedbackSection = described(
  z
    .strictObject({
      addresses: described(z.array(emailField).prefault([]), 'Addresses at which reports about our mail arrive.'),
    })
    .prefault({}),
  'Reports about our mail.',
)
