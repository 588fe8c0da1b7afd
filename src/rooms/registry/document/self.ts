/** The id of the built-in customer, of its source and of its grant. */
export const selfId = 'self'
