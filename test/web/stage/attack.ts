/*
 * attack: what somebody writes who wants more than to be read, and what a page is made of.
 */
import type { Page } from 'playwright-core';

const MARKUP = [
  '<script>document.title = "hacked"</script>',
  '<img src=x onerror="document.title = \'hacked\'">',
  '<svg onload="document.title = \'hacked\'">',
  '<svg><script>document.title = "hacked"</script></svg>',
  '<iframe src="javascript:parent.document.title = \'hacked\'"></iframe>',
  '<body onload=alert(1)>',
  '<a href="javascript:alert(1)">click</a>',
  '<style>* { display: none }</style>',
  '<link rel=stylesheet href=//elsewhere.example/x.css>',
  '<meta http-equiv=refresh content="0;url=//elsewhere.example">',
  '<base href="//elsewhere.example/">',
  '<form action=//elsewhere.example><input name=q autofocus onfocus=alert(1)></form>',
  '<details open ontoggle=alert(1)>',
  '<video><source onerror=alert(1)></video>',
  '<math><mi xlink:href="javascript:alert(1)">x</mi></math>',
  '<template><script>alert(1)</script></template>',
  '<object data="javascript:alert(1)"></object>',
  '<embed src="javascript:alert(1)">',
  '<marquee onstart=alert(1)>',
  '<input onfocus=alert(1) autofocus>',
  '--><script>alert(1)</script>',
  ']]><script>alert(1)</script>',
  '</textarea><script>alert(1)</script>',
  '</title><script>alert(1)</script>',
  '</span></li></ol><h1>outside</h1>',
  '" onmouseover="alert(1)',
  "' onmouseover='alert(1)",
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '&#60;script&#62;alert(1)&#60;/script&#62;',
  '\\x3cscript\\x3ealert(1)\\x3c/script\\x3e',
  '\\u003cscript\\u003ealert(1)',
  '{{constructor.constructor("alert(1)")()}}',
  '${alert(1)}',
  '<%= 7 * 7 %>',
  '[[${7*7}]]',
  '__proto__',
  'constructor',
  'toString',
  '{"__proto__":{"polluted":true}}',
  '{"type":"status_update","last_read_seq":99}',
  '<ScRiPt>alert(1)</sCrIpT>',
  '<script\u0000>alert(1)</script>',
  '<<script>script>alert(1)</script>',
  '<img src="data:image/svg+xml,<svg onload=alert(1)>">',
  '<a href="data:text/html,<script>alert(1)</script>">x</a>',
  '<div style="position:fixed;inset:0;background:red">over all</div>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<xmp><script>alert(1)</script></xmp>',
  '<plaintext>',
  '<!--',
];
const ADDRESSES = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'javascript://example.org/%0aalert(1)',
  'java\tscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'blob:https://example.org/x',
  'view-source:https//example.org',
  'ftp://example.org/x',
  'mailto:a@example.org',
  'tel:+123',
  '//example.org/x',
  'www.example.org',
  'https//example.org',
  'http:example.org',
];
const LETTERS = [
  '\u202egnirts desrever\u202c',
  '\u2066\u2067\u2068nested isolates',
  '\u202e\u202e\u202e never closed',
  '\u200f\u200e\u061c marks',
  'שלום עולם',
  'مرحبا بالعالم',
  'mixed שלום and مرحبا and back',
  'Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d' +
    '\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f\u031e\u0320\u034dalgo',
  `a${'\u0301'.repeat(10_000)}`,
  `${'\u0e49'.repeat(200)}`,
  '\u0000',
  'a\u0000b',
  '\u0001\u0007\u0008\u001b[31mred\u001b[0m',
  '\u0085\u2028\u2029 line ends',
  '\ufeff\ufffe\uffff',
  '\u00ad'.repeat(100),
  '\u200b'.repeat(500),
  '\u3164\u115f\u1160 blank letters',
  '\u{1d55f}\u{1d560}\u{1d565} plain',
  '\u{e0001}\u{e0041}\u{e007f} tags',
  '👨‍👩‍👧‍👦👩🏽‍🚀🏳️‍🌈🇩🇪',
  '👩‍'.repeat(300),
  '﷽'.repeat(60),
  '𒐫'.repeat(60),
  'w'.repeat(5_000),
  'ﷺ long '.repeat(400),
  `${'line\n'.repeat(400)}end`,
  '\n\n\nlines before',
  'tabs\tand   spaces',
  ' ',
  '‮‭‬‪‫'.repeat(50),
  '\u2800'.repeat(80),
  '٠١٢٣٤٥٦٧٨٩',
  'Ⓐ🅰︎A̲',
];

/** 100 of them. */
export const ATTACKS = [...MARKUP, ...ADDRESSES, ...LETTERS];

/** The start of one, to name it by. */
export function briefly(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

const ACTIVE = [
  'script, style, link, meta, base, iframe, frame, object, embed, img, video, audio, math, table',
  'template, noscript, xmp, plaintext, marquee, details, form, input, textarea, select, dialog',
].join();

/**
 * The elements of the page that do something, by their number, and all that may not be there at
 * all: a handler in an attribute, an address with a scheme of its own, a style in an attribute of
 * what somebody wrote.
 */
export function census(page: Page): Promise<{ active: Record<string, number>; wrong: string[] }> {
  return page.evaluate((selector) => {
    const active: Record<string, number> = {};
    for (const { tagName } of document.querySelectorAll(selector))
      active[tagName] = (active[tagName] ?? 0) + 1;
    const wrong: string[] = [];
    for (const element of document.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        const isHandler = name.startsWith('on') || name === 'srcdoc';
        const isScript = /^\s*(javascript|data|vbscript):/i.test(value);
        const isIcon = element instanceof HTMLLinkElement && value.startsWith('data:image/png');
        if (isHandler || (isScript && name !== 'title' && name !== 'aria-label' && !isIcon))
          wrong.push(`${element.tagName} ${name}=${value}`);
      }
    }
    return { active, wrong };
  }, ACTIVE);
}
