// placeholder
export interface EventBatch { readonly stream: string }
