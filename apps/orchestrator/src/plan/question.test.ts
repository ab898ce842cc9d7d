import { describe, expect, it } from 'vitest'
import { understandQuestion } from './question.ts'

const HEALTH = { code: '36000', name: { en: 'Ministry of Health', pt: 'Ministério da Saúde' } }
const JUSTICE = { code: '30000', name: { en: 'Ministry of Justice', pt: 'Ministério da Justiça' } }
const JUSTICE_AND_SAFETY = {
  code: '30001',
  name: { en: 'Ministry of Justice and Public Security', pt: 'Ministério da Justiça e Segurança Pública' },
}
const ORGANS = [HEALTH, JUSTICE, JUSTICE_AND_SAFETY]

describe('understandQuestion', () => {
  it.each([
    ['Analyze Ministry of Health contracts 2024', 'en', HEALTH, [2024]],
    ['Analise os contratos do Ministério da Saúde em 2024', 'pt', HEALTH, [2024]],
    ['analise os CONTRATOS DO MINISTERIO DA SAUDE em 2024', 'pt', HEALTH, [2024]],
    ['contratos do Ministério da Justiça e Segurança Pública', 'pt', JUSTICE_AND_SAFETY, []],
    ['Ministry of Health procurement 2025 and 2023, 2025', 'en', HEALTH, [2023, 2025]],
    ['All contracts of 2024, please', 'en', undefined, [2024]],
  ])('understands "%s"', (query, language, organ, years) => {
    expect(understandQuestion(query, ORGANS)).toEqual({ kind: 'contracts', language, ...(organ ? { organ } : {}), years })
  })

  it.each([
    ['', 'must say what to investigate'],
    ['  ?! ', 'must say what to investigate'],
    ['What is the weather?', 'no rule understands "What is the weather?"'],
    ['Analyze Ministry of Magic contracts', 'no known ministry is named'],
    ['Analise os contratos do Ministério da Magia', 'Ministério da Saúde'],
    ['contracts '.repeat(300), 'at most 2000 characters, got 3000'],
  ])('refuses "%s" and says what to ask instead', (query, message) => {
    expect(() => understandQuestion(query, ORGANS)).toThrow(message)
  })
})
