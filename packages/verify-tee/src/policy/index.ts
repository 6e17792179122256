export { encoded } from './encoded.ts'
export { FOR_PEOPLE, faultOf, shown } from './fault.ts'
export { hexOf, hexUpTo, invalidOption, oneOf, parsePlain } from './plain.ts'
export { checkPlatform, PLATFORM_CHECK, platformIds } from './platform.ts'
