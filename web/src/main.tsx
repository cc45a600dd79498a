/*
 * main: where the client starts.
 */
import { render } from 'preact';
import { App } from './app.tsx';
import { startWorker } from './notice.ts';
import { applyTheme } from './theme.ts';
import { language } from './word/language.ts';

document.documentElement.lang = language;
applyTheme();
render(<App />, document.getElementById('app')!);
startWorker();
