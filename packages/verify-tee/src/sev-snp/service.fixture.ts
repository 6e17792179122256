import type { Service } from '../service.fixture.ts'
import { honest } from './mutation.fixture.ts'
import { authority } from './pki.fixture.ts'

const keys = authority()
export const chips = { Milan: honest('Milan', 'vcek', keys), Turin: honest('Turin', 'vcek', keys) }
export const vlek = honest('Genoa', 'vlek', keys)

export const pem = (...ders: readonly (Uint8Array | undefined)[]): string =>
  ders
    .map((der = new Uint8Array()) => Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n'))
    .map((text) => `-----BEGIN CERTIFICATE-----\n${text.trimEnd()}\n-----END CERTIFICATE-----\n`)
    .join('')

/** What AMD's service has, by path. */
export const ANSWERS: Readonly<Record<string, Uint8Array | string | undefined>> = {
  [`/vcek/v1/Milan/${'ab'.repeat(64)}?blSPL=01&teeSPL=02&snpSPL=00&ucodeSPL=81`]: chips.Milan.collateral.vek,
  '/vcek/v1/Milan/cert_chain': pem(chips.Milan.collateral.issuer, chips.Milan.root),
  '/vcek/v1/Milan/crl': chips.Milan.collateral.crl,
  [`/vcek/v1/Turin/${'ab'.repeat(8)}?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=81`]: chips.Turin.collateral.vek,
  '/vcek/v1/Turin/cert_chain': pem(chips.Turin.collateral.issuer, chips.Turin.root),
  '/vcek/v1/Turin/crl': chips.Turin.collateral.crl,
  '/vlek/v1/Genoa/cert_chain': pem(vlek.collateral.issuer, vlek.root),
  '/vlek/v1/Genoa/crl': vlek.collateral.crl,
}

export const kds =
  (answer = (path: string): Uint8Array | string | undefined => ANSWERS[path]): Service['replies'] =>
  (path) => {
    const body = answer(path)
    if (path.includes('moved')) return { status: 302, headers: { location: '/vcek/v1/Milan/crl' }, body: '' }
    return body === undefined ? { status: 404, body: '' } : { body }
  }
