import { numbers } from '@veristack/core'
import { parseFeeds } from './feeds.ts'

const x = { name: 'x', shape: [2, 2] }
const y = { name: 'y', shape: [1] }

describe('parseFeeds', () => {
  test('takes nested and flat arrays, and an array alone for a single input', () => {
    for (const text of ['{"x":[[1,2],[3,4.5]]}', '{"x":[1,2,3,4.5]}', '[[1,2],[3,4.5]]']) {
      const [tensor] = parseFeeds(text, [x], 'in.json')
      expect(tensor).toMatchObject({ name: 'x', type: 'float32', shape: [2, 2] })
      expect(tensor === undefined ? [] : numbers(tensor)).toEqual([1, 2, 3, 4.5])
    }
    expect(parseFeeds('{"y":[1],"x":[1,2,3,4]}', [x, y], 'in.json').map((t) => t.name)).toEqual(['x', 'y'])
  })

  test.each([
    ['no JSON', '{', /JSON/],
    ['a number', '3', /an object of arrays/],
    ['an array for two inputs', '[1]', /an object of arrays/],
    ['an unknown input', '{"x":[1,2,3,4],"y":[1],"z":[]}', /z/],
    ['a missing input', '{"x":[1,2,3,4]}', /y/],
    ['too few numbers', '{"x":[1,2,3],"y":[1]}', /4 numbers for shape \[2, 2\]/],
    ['text among numbers', '{"x":[1,2,3,"4"],"y":[1]}', /finite numbers/],
    ['null', '{"x":[1,2,3,null],"y":[1]}', /finite numbers/],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseFeeds(text, [x, y], 'in.json')).toThrow(message)
    expect(() => parseFeeds(text, [x, y], 'in.json')).toThrow(/in\.json|x|y/)
  })
})
