/**
 * Figures as files for a paper: plotly JSON always; SVG, PNG (300 dpi) and PDF where a Chromium is found,
 * all one column (3.3 in) wide. The browser reads nothing but plotly.js from node_modules. Equal data give equal bytes,
 * and a figure that is there already, with the same data, is left alone.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { crc32 } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { writeFileAtomic } from '../store/atomic.js';
import { chromiumRemedy, findChromium, launchChromium } from './chromium.js';
import { COLUMN_INCHES, COLUMN_PIXELS, type Figure } from './figures/theme.js';

export interface ExportItem {
  figure: Figure;
  /** Path without extension: `results/mini/main-result`. */
  basePath: string;
}

export interface Exported {
  /** Every file of the figures, written now or the same as before. */
  files: string[];
  /** Why the images were left out, in one sentence for the reader; absent when nothing was. */
  skipped?: string;
}

const DPI = 300;

export const exportFigure = (figure: Figure, basePath: string): Promise<Exported> => exportFigures([{ figure, basePath }]);

const IMAGES = ['svg', 'png', 'pdf'] as const;

/** Writes all figures with one browser. A missing or broken browser leaves the JSON files and says why; a full disk throws. */
export async function exportFigures(items: readonly ExportItem[]): Promise<Exported> {
  const images = (basePath: string) => IMAGES.map((extension) => `${basePath}.${extension}`);
  const changed = items.filter(({ figure, basePath }) => !isWritten(figure, basePath) || !images(basePath).every(existsSync));
  const withoutImages = (reason: string): Exported => {
    for (const { figure, basePath } of changed) {
      // Images of other data must not stand beside it.
      if (!isWritten(figure, basePath)) for (const path of images(basePath)) rmSync(path, { force: true });
      writeJson(figure, basePath);
    }
    const files = items.flatMap(({ basePath }) => [`${basePath}.json`, ...images(basePath).filter(existsSync)]);
    return { files, skipped: `Figures are written as plotly JSON only, without SVG, PNG and PDF: ${reason}.` };
  };

  if (changed.length) {
    const executablePath = findChromium();
    if (!executablePath) return withoutImages(chromiumRemedy());
    let browser: Browser | undefined;
    const drawn: Images[] = [];
    try {
      browser = await launchChromium(executablePath);
      const [plot, sheet] = [await browser.newPage(), await browser.newPage()];
      await plot.addScriptTag({ path: createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js') });
      for (const { figure } of changed) drawn.push(await draw(plot, sheet, figure));
    } catch (error) {
      return withoutImages(`${executablePath} failed (${(error as Error).message.split('\n')[0]})`);
    } finally {
      await browser?.close();
    }
    changed.forEach(({ figure, basePath }, i) => {
      for (const extension of IMAGES) writeFileAtomic(`${basePath}.${extension}`, drawn[i]![extension]);
      // Last, for it says that the images are its.
      writeJson(figure, basePath);
    });
  }
  return { files: items.flatMap(({ basePath }) => [`${basePath}.json`, ...images(basePath)]) };
}

const toJson = (figure: Figure): string => `${JSON.stringify(figure, null, 1)}\n`;
const writeJson = (figure: Figure, basePath: string): void => writeFileAtomic(`${basePath}.json`, toJson(figure));
const isWritten = (figure: Figure, basePath: string): boolean =>
  existsSync(`${basePath}.json`) && readFileSync(`${basePath}.json`, 'utf8') === toJson(figure);

interface Images {
  svg: string;
  png: Uint8Array;
  pdf: Uint8Array;
}

/** The part of plotly.js that is used inside the page. */
interface Plotly {
  toImage(figure: Figure, options: { format: 'svg' | 'png'; width: number; height: number; scale?: number }): Promise<string>;
}

/** `plot` is a page that has plotly.js; `sheet` any other, used as paper. */
async function draw(plot: Page, sheet: Page, figure: Figure): Promise<Images> {
  const { width, height } = figure.layout;
  const [svgUrl, pngUrl] = await plot.evaluate(async ({ figure, scale }) => {
    const { Plotly } = globalThis as unknown as { Plotly: Plotly };
    const { width, height } = figure.layout;
    return [
      await Plotly.toImage(figure, { format: 'svg', width, height }),
      await Plotly.toImage(figure, { format: 'png', width, height, scale }),
    ] as const;
  }, { figure, scale: (COLUMN_INCHES * DPI) / COLUMN_PIXELS });

  const inches = (pixels: number): string => `${((pixels * COLUMN_INCHES) / COLUMN_PIXELS).toFixed(4)}in`;
  const svg = withoutChance(decodeURIComponent(afterComma(svgUrl)))
    .replace(/^<svg([^>]*?) width="[^"]*" height="[^"]*"/, `<svg$1 width="${inches(width)}" height="${inches(height)}"`);
  await sheet.setContent(`<style>@page{margin:0}body{margin:0}svg{display:block}</style>${svg}`);
  const pdf = await sheet.pdf({ width: inches(width), height: inches(height), printBackground: true, pageRanges: '1' });
  return { svg, png: withResolution(Buffer.from(afterComma(pngUrl), 'base64')), pdf: withoutTime(pdf) };
}

/** plotly names a figure's parts and its traces by six digits drawn at random, so that several fit into one page. */
function withoutChance(svg: string): string {
  const drawn = /id="(?:top)?defs-([0-9a-f]{6})"/.exec(svg)?.[1];
  const traces: string[] = [];
  return (drawn ? svg.replaceAll(drawn, '000000') : svg).replace(/(class="trace [a-z]+ trace)([0-9a-f]{6})"/g, (_, before: string, name: string) => {
    if (!traces.includes(name)) traces.push(name);
    return `${before}${traces.indexOf(name)}"`;
  });
}

/** The moment of writing, in a PDF's two dates, becomes the same for all, in as many bytes. */
function withoutTime(pdf: Buffer): Buffer {
  return Buffer.from(pdf.toString('latin1').replace(/\/(CreationDate|ModDate) \(D:\d{14}/g, '/$1 (D:20000101000000'), 'latin1');
}

/** The signature of a PNG and its first chunk, which must come first. */
const PNG_HEADER_BYTES = 33;

/** With its pixels a metre (chunk pHYs), without which a text that places it would not know that it is one column wide. */
function withResolution(png: Buffer): Buffer {
  const chunk = Buffer.alloc(21), perMetre = Math.round(DPI / 0.0254);
  chunk.writeUInt32BE(9, 0);
  chunk.write('pHYs', 4);
  for (const at of [8, 12]) chunk.writeUInt32BE(perMetre, at);
  chunk[16] = 1;
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 17)), 17);
  return Buffer.concat([png.subarray(0, PNG_HEADER_BYTES), chunk, png.subarray(PNG_HEADER_BYTES)]);
}

/** The payload of a data URL. */
const afterComma = (url: string): string => url.slice(url.indexOf(',') + 1);
