export { hexOf, hexUpTo, oneOf, parsePlain } from './plain.ts'
export { checkPlatform, PLATFORM_CHECK, platformIds } from './platform.ts'
