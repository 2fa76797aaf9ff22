// documented.cjs INDEX.d.ts: every public name, and every public member of it, has a comment.
const ts = require('typescript');

const file = process.argv[2];
const program = ts.createProgram([file], { types: [] });
const checker = program.getTypeChecker();
const source = program.getSourceFile(file);
let names = 0;
let bad = 0;

function internal(symbol) {
  return symbol.getJsDocTags(checker).some((tag) => tag.name === 'internal');
}

function check(symbol, name) {
  if (internal(symbol)) return;
  ++names;
  if (symbol.getDocumentationComment(checker).length > 0) return;
  ++bad;
  console.error(`${name} has no comment`);
}

function members(symbol) {
  const found = [...(symbol.members?.values() ?? []), ...(symbol.exports?.values() ?? [])];
  return found.filter((member) => {
    const [declaration] = member.declarations ?? [];
    if (declaration === undefined || member.name.startsWith('__')) return false;
    const flags = ts.getCombinedModifierFlags(declaration);
    const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
    return (flags & hidden) === 0 && !ts.isTypeParameterDeclaration(declaration);
  });
}

for (const exported of checker.getExportsOfModule(checker.getSymbolAtLocation(source))) {
  const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
  const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
  check(symbol, exported.name);
  for (const member of members(symbol)) {
    if (symbol.name === 'LlmqError' && member.name === 'name') continue; // of Error
    if (symbol.name === 'AttemptError' && member.name === 'name') continue;
    check(member, `${exported.name}.${member.name}`);
  }
}
console.log(`${names} public names, ${bad} without a comment`);
process.exit(bad === 0 ? 0 : 1);
