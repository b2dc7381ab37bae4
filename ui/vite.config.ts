import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const chunks = [
  { name: 'charts', test: /node_modules[\\/](echarts|zrender)/ },
  { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
  { name: 'framework', test: /node_modules[\\/](@mantine|@tanstack|@floating-ui|react-)/ },
]

/** Builds the Manager to dist/ui; every asset is a file, because the Manager's CSP allows no inline script and no data URL. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: '../dist/ui',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: { output: { codeSplitting: { groups: chunks } } },
  },
  server: {
    port: 5173,
    proxy: { '/api': 'http://127.0.0.1:8002', '/admin': 'http://127.0.0.1:8002' },
  },
})
