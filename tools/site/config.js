// SPDX-License-Identifier: BSL-1.0
//
// The documentation site. tools/docs writes sidebar.json beside this file and builds the pages.
import {readFileSync} from 'node:fs';
import {defineConfig} from 'vitepress';

const sidebar = JSON.parse(readFileSync(new URL('sidebar.json', import.meta.url)));

// The anchors of GitHub, where the same pages are read.
const slugify = (text) =>
  text.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');

export default defineConfig({
  title: 'sluice',
  description: "Node's http for C++20 coroutines",
  base: process.env.SITE_BASE ?? '/',
  cleanUrls: false,
  lastUpdated: false,
  head: [
    ['link', {rel: 'icon', href: 'data:,'}],
    // By default the name of a block's language is too pale to be read: 2.9 to 1.
    ['style', {}, 'html:root { --vp-code-lang-color: var(--vp-c-text-2); }'],
  ],
  markdown: {
    anchor: {slugify},
    theme: {light: 'github-light-high-contrast', dark: 'github-dark-high-contrast'},
  },
  // The index of the search is one file.
  vite: {build: {chunkSizeWarningLimit: 8000}},
  locales: {
    root: {
      label: 'English',
      lang: 'en',
      themeConfig: {
        nav: [
          {text: 'Quick start', link: '/quick_start'},
          {text: 'Cookbook', link: '/cookbook/'},
          {text: 'Reference', link: '/reference/'},
        ],
        sidebar: sidebar.en,
      },
    },
    'zh-CN': {
      label: '简体中文',
      lang: 'zh-CN',
      link: '/zh-CN/',
      themeConfig: {
        nav: [
          {text: '快速上手', link: '/zh-CN/quick_start'},
          {text: 'Cookbook', link: '/zh-CN/cookbook/'},
          {text: '参考', link: '/reference/'},
        ],
        sidebar: sidebar.zh,
        outline: {label: '本页内容'},
        docFooter: {prev: '上一页', next: '下一页'},
        darkModeSwitchLabel: '外观',
        sidebarMenuLabel: '菜单',
        returnToTopLabel: '回到顶部',
        langMenuLabel: '语言',
      },
    },
  },
  themeConfig: {
    // Not every page is there in both languages: the switch leads to the first page.
    i18nRouting: false,
    search: {provider: 'local'},
    outline: {level: [2, 3]},
  },
});
