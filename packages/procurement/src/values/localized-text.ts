/** The same sentence in the two languages of the project. */
export interface LocalizedText {
  readonly en: string
  readonly pt: string
}
