export { hexOf, hexUpTo, oneOf, parsePlain } from './plain.ts'
export { checkPlatform, PLATFORM_CHECK, type PlatformIds, platformIds } from './platform.ts'
