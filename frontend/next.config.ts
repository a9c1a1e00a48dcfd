import type { NextConfig } from "next";

/** The page is a folder of files that the Python server serves at `/`; there is no Node in production. */
const config: NextConfig = {
  output: "export",
  reactStrictMode: true,
  images: { unoptimized: true },
  poweredByHeader: false,
};

export default config;
