// Prints what the official parser thinks of the AsyncAPI document on standard input: [{severity, path, message}].
const { Parser } = require("@asyncapi/parser");
const { readFileSync } = require("node:fs");

new Parser().parse(readFileSync(0, "utf8")).then(({ document, diagnostics }) => {
  const found = diagnostics.map(({ severity, path, message }) => ({ severity, path: path.join("."), message }));
  const channels = document ? document.channels().all().map((each) => each.address()) : [];
  const messages = document ? document.allMessages().all().map((each) => each.name()) : [];
  console.log(JSON.stringify({ diagnostics: found, channels, messages }));
});
