// The product's name and sign.

export const Brand = () => (
  <div class="brand">
    <svg viewBox="0 0 18 18" aria-hidden="true">
      <rect x="1" y="1" width="16" height="16" rx="4" fill="none" stroke="currentColor" stroke-width="1.5" />
      <path d="M5 6h8M5 9h5M5 12h8" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" />
    </svg>
    <span>Incident Ledger</span>
  </div>
);
