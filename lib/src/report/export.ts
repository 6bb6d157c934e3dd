/**
 * Figures as files for a paper: plotly JSON always; SVG, PNG (300 dpi) and PDF where a Chromium is found,
 * all one column (3.3 in) wide. The browser reads nothing but plotly.js from node_modules.
 */
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { writeFileAtomic } from '../store/atomic.js';
import { CHROMIUM_REMEDY, findChromium, launchChromium } from './chromium.js';
import { COLUMN_INCHES, COLUMN_PIXELS, type Figure } from './figures/theme.js';

export interface ExportItem {
  figure: Figure;
  /** Path without extension: `results/mini/main-result`. */
  basePath: string;
}

export interface Exported {
  /** Every file that was written. */
  files: string[];
  /** Why the images were left out, in one sentence for the reader; absent when nothing was. */
  skipped?: string;
}

const DPI = 300;

export const exportFigure = (figure: Figure, basePath: string): Promise<Exported> => exportFigures([{ figure, basePath }]);

/** Writes all figures with one browser. A missing or broken browser leaves the JSON files and says why; a full disk throws. */
export async function exportFigures(items: readonly ExportItem[]): Promise<Exported> {
  const files: string[] = [];
  const write = (path: string, data: string | Uint8Array): void => {
    writeFileAtomic(path, data);
    files.push(path);
  };
  for (const { figure, basePath } of items) write(`${basePath}.json`, `${JSON.stringify(figure, null, 1)}\n`);

  const executablePath = findChromium();
  const leftOut = 'Figures are written as plotly JSON only, without SVG, PNG and PDF:';
  if (!executablePath) return { files, skipped: `${leftOut} ${CHROMIUM_REMEDY}.` };
  let browser: Browser | undefined;
  const drawn: { basePath: string; images: Images }[] = [];
  try {
    browser = await launchChromium(executablePath);
    const [plot, sheet] = [await browser.newPage(), await browser.newPage()];
    await plot.addScriptTag({ path: createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js') });
    for (const { figure, basePath } of items) drawn.push({ basePath, images: await draw(plot, sheet, figure) });
  } catch (error) {
    return { files, skipped: `${leftOut} ${executablePath} failed (${(error as Error).message.split('\n')[0]}).` };
  } finally {
    await browser?.close();
  }
  for (const { basePath, images } of drawn) {
    write(`${basePath}.svg`, images.svg);
    write(`${basePath}.png`, images.png);
    write(`${basePath}.pdf`, images.pdf);
  }
  return { files };
}

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
  const svg = decodeURIComponent(afterComma(svgUrl))
    .replace(/^<svg([^>]*?) width="[^"]*" height="[^"]*"/, `<svg$1 width="${inches(width)}" height="${inches(height)}"`);
  await sheet.setContent(`<style>@page{margin:0}body{margin:0}svg{display:block}</style>${svg}`);
  const pdf = await sheet.pdf({ width: inches(width), height: inches(height), printBackground: true, pageRanges: '1' });
  return { svg, png: Buffer.from(afterComma(pngUrl), 'base64'), pdf };
}

/** The payload of a data URL. */
const afterComma = (url: string): string => url.slice(url.indexOf(',') + 1);
