import { Reader, Writer } from './bytes.ts'

test('a field may be the one at which the buffer grows', () => {
  for (let before = 1000; before <= 1030; before++) {
    const writer = new Writer()
    writer.raw(new Uint8Array(before))
    writer.u8(0xab)
    writer.u32(0x01020304)
    writer.raw(Uint8Array.of(5, 6, 7))
    writer.i64(-9n)
    writer.f64(0.5)
    const reader = new Reader(writer.take())
    expect(reader.raw(before, 'before')).toHaveLength(before)
    expect([reader.u8('u8'), reader.u32('u32'), [...reader.raw(3, 'raw')]]).toEqual([0xab, 0x01020304, [5, 6, 7]])
    expect([reader.i64('i64'), reader.f64('f64'), reader.rest]).toEqual([-9n, 0.5, 0])
  }
})
