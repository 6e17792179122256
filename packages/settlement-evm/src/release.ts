/** The version of this package: which contracts belong to it. */
export const RELEASE = '0.1.0'
