/** The version of this gateway; a test holds it against package.json. */
export const version = '0.3.0'
