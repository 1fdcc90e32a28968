Redoc.init('openapi.json', {
    disableSearch: true,
    hideDownloadButton: false,
    nativeScrollbars: true
}, document.getElementById('redoc'));
