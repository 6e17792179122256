import { defineErrors } from '@veristack/core'

export const fail = defineErrors({
  VS_EXAMPLE_EMPTY_TEXT: {
    title: 'The text has no word in it',
    remedy: 'Ask a question in words; letters or digits of any script count.',
  },
  VS_EXAMPLE_TEXT_TOO_LONG: {
    title: 'The text is longer than the featuriser reads',
    remedy: 'Shorten the question; the model was trained on single questions of up to a few hundred characters.',
  },
  VS_EXAMPLE_MALFORMED_TEXT: {
    title: 'The text is not well-formed Unicode',
    remedy: 'Send text without lone surrogates.',
  },
  VS_EXAMPLE_FEATURISER_DIFFERS: {
    title: 'The featuriser gives other features on this machine than the ones the model was trained with',
    remedy:
      'Use a Node.js release with full ICU data; requests made here would name features that nobody else can recompute.',
  },
  VS_EXAMPLE_MODEL_DAMAGED: {
    title: 'The files under model/ do not belong together',
    remedy: 'Restore the folder, or make it again with `npm run train`.',
  },
})
