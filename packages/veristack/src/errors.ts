import { defineErrors } from '@veristack/core/receipt'

export const fail = defineErrors({
  VS_CLI_USAGE: {
    title: 'The command line can not be understood',
    remedy: 'Run `veristack --help`, or the command with --help.',
  },
  VS_CLI_UNKNOWN_COMMAND: {
    title: 'There is no such command',
    remedy: 'Run `veristack --help`; a command of a plugin needs the plugin in this folder’s package.json.',
  },
  VS_CLI_FILE: {
    title: 'A file can not be read or written',
    remedy: 'Check that the path exists and is what the option asks for.',
  },
  VS_CLI_INPUT: {
    title: 'The input file does not fit the model',
    remedy: 'Give a JSON object of arrays by input name, in the shapes that the model declares.',
  },
  VS_CLI_PLUGIN: {
    title: "A package's entry for the command line can not be used",
    remedy: "Check the `veristack` field of the package's package.json and that the package is built.",
  },
})
