// Runs of batch jobs: attempts, timeouts and retries. No code yet; the target is here so that
// its place in the order of imports is fixed.
