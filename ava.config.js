export default {
  files: ['{kernel,plugins,forwarder,appliance}/**/*.test.ts', '!appliance/test/**', '!**/test/long/**', '!**/fixtures/**'],
  extensions: ['ts'],
  nodeArguments: ['--disable-warning=ExperimentalWarning'],
  // Native modules (sockets, store, FFI) live in processes, as they do in the product.
  workerThreads: false,
  timeout: '60s',
};
