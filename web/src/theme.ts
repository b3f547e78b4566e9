// How the UI looks, light and dark, by one set of colours that pass WCAG AA on their backgrounds.
import { createTheme } from '@mui/material/styles';

export const theme = createTheme({
  cssVariables: { colorSchemeSelector: 'data-theme' },
  colorSchemes: {
    light: {
      palette: {
        primary: { main: '#1f5fbf' },
        background: { default: '#f5f6f8', paper: '#ffffff' },
        success: { main: '#1b7a3d' },
        warning: { main: '#9a5b00' },
        error: { main: '#b3261e' },
      },
    },
    dark: {
      palette: {
        primary: { main: '#8ab4f8' },
        background: { default: '#111418', paper: '#1a1e24' },
        success: { main: '#6fd391' },
        warning: { main: '#f2b45a' },
        error: { main: '#f59a92' },
      },
    },
  },
  shape: { borderRadius: 8 },
  typography: {
    fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
    h1: { fontSize: '1.5rem', fontWeight: 650 },
    h2: { fontSize: '1.05rem', fontWeight: 650 },
    button: { textTransform: 'none' },
  },
  components: {
    MuiCssBaseline: {
      styleOverrides: {
        summary: { fontSize: '0.875rem', cursor: 'pointer' },
        // What a page is called has the keyboard when one comes there, and is nothing to press.
        'h1:focus, h2:focus': { outline: 'none' },
      },
    },
    MuiButtonBase: { defaultProps: { disableRipple: true } },
    MuiButton: { defaultProps: { disableElevation: true } },
    MuiPaper: { defaultProps: { variant: 'outlined' } },
    MuiTextField: { defaultProps: { size: 'small' } },
    // What is said below a field begins where the field does.
    MuiFormHelperText: { styleOverrides: { root: { margin: '4px 0 0', fontSize: '0.875rem' } } },
    MuiFormControlLabel: { styleOverrides: { label: { fontSize: '0.875rem' } } },
  },
});
