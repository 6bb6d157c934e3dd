/** Where set-up puts a Chromium that it fetched. Imported before playwright, which asks once. */
import { data } from '../lab/paths.js';

process.env['PLAYWRIGHT_BROWSERS_PATH'] ??= data('cache', 'browsers');
