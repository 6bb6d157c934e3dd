/**
 * Type-checks notebooks strictly: `node scripts/notebooks/check.mjs [name...]`.
 * tslab itself is not strict, so a notebook's code cells are read as one module, in order, with the project's compiler
 * and settings. A problem is reported as notebook, cell and line. lib must be built.
 */
import { basename, dirname, join } from 'node:path';
import ts from 'typescript';
import { root } from '../setup/paths.mjs';
import { notebookPaths, readNotebook, source } from './notebooks.mjs';

const { config, error } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'));
const { options } = ts.parseJsonConfigFileContent({ compilerOptions: config.compilerOptions, files: [] }, ts.sys, root);

const paths = notebookPaths(process.argv.slice(2));
// A notebook's module stands beside it under a name that no file has, so that imports resolve as they do in the kernel.
const modules = new Map(paths.map((path) => [join(dirname(path), `${basename(path, '.ipynb')}.cells.ts`), moduleOf(path)]));

const host = ts.createCompilerHost({ ...options, composite: false });
const { fileExists, readFile, getSourceFile } = host;
host.fileExists = (name) => modules.has(name) || fileExists(name);
host.readFile = (name) => modules.get(name)?.text ?? readFile(name);
host.getSourceFile = (name, languageOrOptions, ...rest) =>
  modules.has(name)
    ? ts.createSourceFile(name, modules.get(name).text, languageOrOptions, true)
    : getSourceFile(name, languageOrOptions, ...rest);

const program = ts.createProgram([...modules.keys()], {
  ...options, composite: false, declaration: false, noEmit: true, noUnusedLocals: false,
}, host);
const problems = [...ts.getPreEmitDiagnostics(program), ...[...modules.keys()].flatMap((name) => shorthands(program.getSourceFile(name)))];
for (const problem of problems) console.error(describe(problem));
console.log(`${paths.length} notebooks type-checked, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** The code cells joined, and for each line the cell (counted over all cells, from 1) and the line in it. */
function moduleOf(path) {
  const lines = [];
  const places = [];
  readNotebook(path).cells.forEach((cell, index) => {
    if (cell.cell_type !== 'code') return;
    source(cell).split('\n').forEach((line, inCell) => {
      lines.push(line);
      places.push({ cell: index + 1, line: inCell + 1 });
    });
  });
  return { path, text: [...lines, 'export {};'].join('\n'), places };
}

/** The kernel keeps a cell's variables under another name and does not rename them in `{ name }`: a later cell would not find it. */
function shorthands(file) {
  const checker = program.getTypeChecker(), cellOf = (node) => modules.get(file.fileName).places[file.getLineAndCharacterOfPosition(node.getStart(file)).line]?.cell;
  const found = [];
  const visit = (node) => {
    if (ts.isShorthandPropertyAssignment(node)) {
      const declared = checker.getShorthandAssignmentValueSymbol(node)?.valueDeclaration;
      if (declared && declared.getSourceFile() === file && cellOf(declared) !== cellOf(node))
        found.push({ file, start: node.getStart(file), code: 'shorthand', messageText: `write { ${node.name.text}: ${node.name.text} }, since ${node.name.text} is of another cell` });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function describe({ file, start, messageText, code }) {
  const message = ts.flattenDiagnosticMessageText(messageText, '\n');
  const module = file && modules.get(file.fileName);
  if (!module) return `${file?.fileName ?? ''} TS${code}: ${message}`;
  const place = module.places[file.getLineAndCharacterOfPosition(start).line];
  return `${basename(module.path)} cell ${place?.cell}, line ${place?.line}: ${typeof code === 'number' ? `TS${code}` : code}: ${message}`;
}
